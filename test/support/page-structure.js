/**
 * What axe's rules go by on a page but for colours, as a short answer: where it is the same, so is the verdict. Evaluated in the page as one
 * expression; `accessible.ts` says which rules go by what.
 */
;(() => {
  const { document } = globalThis

  /** What names other elements of the page, which counts by what it leads to, and there: React gives an element another name on each load. */
  const references = new Set(
    'for headers list form popovertarget commandfor aria-labelledby aria-describedby aria-controls aria-owns'
      .split(' ')
      .concat('aria-activedescendant', 'aria-details', 'aria-errormessage', 'aria-flowto'),
  )
  /** Whether there is something to be heard counts, and not what. */
  const spoken = new Set('aria-label aria-description aria-valuetext alt title placeholder value name'.split(' '))
  /** How something looks, and what a script keeps there. */
  const silent = /^(class|src|srcset|datetime|data-.*)$/
  const measured = /^aria-(value(now|min|max)|posinset|setsize|(row|col)(index|count))$/
  /** Of a drawing, only what is said of it. */
  const saidOfDrawing = /^(id|role|tabindex|focusable|href|lang|aria-.*)$/
  /** Two of these must not sound the same, so their words count. */
  const distinct =
    'section, nav, main, aside, header, footer, form, table, caption, iframe, img, [role], [id], a:has(img), button:has(img)'
  const withoutFigures = text => text.replaceAll(/\s+/g, ' ').replaceAll(/\d+/g, '0')

  const digest = text => {
    // Two sums of 32 bits that know nothing of one another.
    let one = 0x811c9dc5
    let two = 0x9e3779b9
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at)
      one = Math.imul(one ^ code, 0x01000193)
      two = Math.imul(two ^ code, 0x85ebca6b)
      two ^= two >>> 13
    }
    return `${text.length} ${(one >>> 0).toString(36)} ${(two >>> 0).toString(36)}`
  }

  /** As far as axe minds it, and with something to be seen there. */
  const scrolls = (element, style) => {
    const isOverX = element.scrollWidth > element.clientWidth + 13
    const isOverY = element.scrollHeight > element.clientHeight + 13
    const scrolling = /auto|scroll/
    if (!(isOverX && scrolling.test(style.overflowX)) && !(isOverY && scrolling.test(style.overflowY))) return false
    const box = element.getBoundingClientRect()
    const range = document.createRange()
    range.selectNodeContents(element)
    const inside = range.getBoundingClientRect()
    return inside.left < box.left || inside.right > box.right || inside.top < box.top || inside.bottom > box.bottom
  }

  return () => {
    const ids = new Map()
    for (const { id } of document.querySelectorAll('[id]')) ids.set(id, (ids.get(id) ?? 0) + 1)
    const led = id => {
      const target = document.getElementById(id)
      return target ? `${target.localName} ${target.role ?? ''} ${/\S/.test(target.textContent)}` : 'nowhere'
    }
    const named = new Map()
    for (const element of document.querySelectorAll([...references].map(name => `[${name}]`).join())) {
      for (const name of element.getAttributeNames().filter(each => references.has(each))) {
        const words = ` ${name} of ${element.localName}`
        for (const id of element.getAttribute(name).split(/\s+/)) {
          const before = named.get(id) ?? new Set()
          named.set(id, before.add(before.has(words) ? `${words}, again` : words))
        }
      }
    }
    const worth = ({ name, value }, isDistinct) => {
      if (name === 'id') return [ids.get(value) > 1 ? 'one of several' : '', ...(named.get(value) ?? [])].join('')
      if (references.has(name)) return value.split(/\s+/).map(led).join(' ')
      if (name === 'style') return value.includes('!important') ? value : ''
      if (name === 'href') return value.startsWith('#') || value.endsWith('.css') ? value : 'there'
      if (spoken.has(name) && !isDistinct) return /\S/.test(value) ? 'words' : ''
      return measured.test(name) || spoken.has(name) ? withoutFigures(value) : value
    }
    const told = (element, isAroundDrawn) => {
      const words = ['<', element.localName]
      const isDrawing = element.namespaceURI.endsWith('svg')
      const isDistinct = element.matches(distinct)
      for (const attribute of element.attributes) {
        const { name } = attribute
        if (isDrawing ? saidOfDrawing.test(name) : !silent.test(name))
          words.push(' ', name, '=', worth(attribute, isDistinct))
      }
      const isDrawn = isAroundDrawn && element.checkVisibility()
      if (isAroundDrawn && !isDrawn) words.push(' hidden')
      const style = isDrawn ? getComputedStyle(element) : undefined
      if (style) {
        const { left, top, width, height } = element.getBoundingClientRect()
        if (style.visibility !== 'visible') words.push(' invisible')
        // What is as large as nothing, clear or out of the page is there for those who hear it.
        if (width <= 1 || height <= 1) words.push(' small')
        if (style.opacity === '0') words.push(' clear')
        if (left + width + scrollX <= 0 || top + height + scrollY <= 0) words.push(' outside')
        if (scrolls(element, style)) words.push(' scrolls')
      }
      for (const state of ['checked', 'indeterminate', 'disabled', 'inert', 'isContentEditable', 'open'])
        if (element[state]) words.push(' is-', state)
      if (element.tabIndex >= 0) words.push(' reachable')
      if (element.localName === 'dialog' && element.matches(':modal')) words.push(' modal')
      words.push('>')
      // A third one that is the same, as of the rows of a table, makes no difference, but where columns or headings are counted.
      const isCounted = child => element.localName === 'tr' || /<h[1-6]\b|=heading/.test(child)
      const before = new Map()
      if (!['script', 'style', 'iframe'].includes(element.localName)) {
        for (let node = element.firstChild; node; node = node.nextSibling) {
          let child = ''
          if (node.nodeType === 1) child = told(node, isDrawn || element === document.documentElement)
          else if (node.nodeType === 3 && /\S/.test(node.data)) child = isDistinct ? withoutFigures(node.data) : 'words'
          before.set(child, (before.get(child) ?? 0) + 1)
          if (before.get(child) <= 2 || isCounted(child)) words.push(child)
        }
      }
      words.push('</>')
      return words.join('')
    }
    return digest(told(document.documentElement, true))
  }
})()
