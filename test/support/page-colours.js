/**
 * What axe's rules go by on a page where colours count: each answer with the elements of which it is true. Evaluated in the page as one
 * expression; `accessible.ts` says which rules go by what.
 */
;(() => {
  const { document } = globalThis

  const isClear = colour => colour === 'transparent' || /, 0\)$|\/ 0\)$/.test(colour)
  const coversAll = colour => !isClear(colour) && !/rgba|\//.test(colour)

  /** What there is behind an element from its own ancestors, down to the first that lets nothing through. */
  function behind(element, known) {
    const before = known.get(element)
    if (before !== undefined) return before
    const { backgroundColor, backgroundImage, backgroundClip, opacity, filter, mixBlendMode, position } =
      getComputedStyle(element)
    const around = element.parentElement ? behind(element.parentElement, known) : { ground: '', changes: '' }
    const own = [
      isClear(backgroundColor) ? '' : backgroundColor,
      backgroundImage === 'none' ? '' : backgroundImage,
      backgroundClip === 'text' ? 'clipped to text' : '',
      // What is taken out of its place may lie over anything.
      position === 'absolute' || position === 'fixed' ? position : '',
    ]
    const changes = [
      opacity === '1' ? '' : `opacity ${opacity}`,
      filter === 'none' ? '' : filter,
      mixBlendMode === 'normal' ? '' : mixBlendMode,
      around.changes,
    ]
    const isAll = coversAll(backgroundColor) && backgroundImage === 'none' && backgroundClip !== 'text'
    const words = {
      ground: isAll ? backgroundColor : [...own, around.ground].filter(Boolean).join(' < '),
      changes: changes.filter(Boolean).join(' < '),
    }
    known.set(element, words)
    return words
  }

  /** What lies behind the middle of an element as it is drawn, and is not around it; and whether something lies over it. */
  function beneath(element, { left, top, width, height }) {
    const stack = document.elementsFromPoint(left + width / 2, top + height / 2)
    if (stack.length === 0) return ''
    const at = stack.indexOf(element)
    if (at === -1) return 'covered'
    const words = stack.slice(0, at).some(other => !element.contains(other)) ? ['under something'] : []
    for (const each of stack.slice(at)) {
      const { backgroundColor } = getComputedStyle(each)
      if (!each.contains(element) && !isClear(backgroundColor)) words.push(backgroundColor)
      if (coversAll(backgroundColor)) break
    }
    return words.join(' ')
  }

  /** As axe tells large letters, which need less contrast. */
  const isLarge = ({ fontSize, fontWeight }) => {
    const points = Math.ceil(Number.parseFloat(fontSize) * 72) / 96
    return points >= (Number(fontWeight) >= 700 ? 14 : 18)
  }

  /** They may be pale. */
  function labelsOfDisabled() {
    const labels = new Set()
    for (const control of document.querySelectorAll(':disabled, [aria-disabled="true"]')) {
      for (const label of control.labels ?? []) labels.add(label)
      for (const id of control.getAttribute('aria-labelledby')?.split(/\s+/) ?? [])
        labels.add(document.getElementById(id))
    }
    return labels
  }

  /** For each text that is shown: all that its contrast goes by. For each link also what sets it apart from the text around it. */
  return () => {
    const found = new Map()
    const backgrounds = new Map()
    const pale = [...labelsOfDisabled()]
    const textOf = element => {
      if (/^(input|textarea|select)$/.test(element.localName)) return element.value || element.placeholder || ''
      let text = ''
      for (let node = element.firstChild; node; node = node.nextSibling) if (node.nodeType === 3) text += node.data
      return text.trim()
    }
    for (const element of document.body.querySelectorAll('*')) {
      const text = textOf(element)
      const isLink = element.localName === 'a' || element.role === 'link'
      if ((text === '' && !isLink) || !element.checkVisibility({ visibilityProperty: true })) continue
      const style = getComputedStyle(element)
      const isAmongWords = isLink && style.display === 'inline'
      const box = element.getBoundingClientRect()
      if ((text === '' && !isAmongWords) || box.width <= 1 || box.height <= 1) continue
      const { ground, changes } = behind(element, backgrounds)
      const key = [
        style.color,
        isLarge(style) ? 'large' : 'small',
        style.textShadow === 'none' ? '' : style.textShadow,
        ground,
        changes,
        beneath(element, box),
        element.closest(':disabled, [aria-disabled="true"], [inert]') ? 'disabled' : '',
        pale.some(label => label?.contains(element)) ? 'label of something disabled' : '',
        // Axe leaves a single character, and pictures among the letters, to people.
        text.length > 1 && /[\p{L}\p{N}]{2}/u.test(text) ? '' : 'hardly a word',
      ]
      if (isAmongWords) {
        const around = getComputedStyle(element.parentElement)
        const { textDecorationLine, fontStyle, fontWeight, fontSize, borderBottomWidth, backgroundColor } = style
        key.push('link', around.color, `${around.fontWeight} ${around.fontStyle} ${around.fontSize} ${around.display}`)
        key.push(textDecorationLine, fontStyle, fontWeight, fontSize, borderBottomWidth, backgroundColor)
      }
      const words = key.join('; ')
      if (found.has(words)) found.get(words).push(element)
      else found.set(words, [element])
    }
    return found
  }
})()
