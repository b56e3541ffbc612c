/** Recognises attached files that run when they are opened, by their names: the end of a name decides what opens it. */

export interface FileRisk {
  tone: 'warn' | 'bad'
  text: string
}

const programs = new Set(
  [
    'exe com scr pif cpl msi msp mst appx msix dll sys ocx drv',
    'bat cmd ps1 psm1 vbs vbe js jse mjs wsf wsh wsc sct hta msc inf reg scf lnk url gadget application',
    'jar jnlp apk app dmg pkg command workflow terminal scpt sh bash run appimage deb rpm desktop py pyw xll one',
  ].flatMap(line => line.split(' ')),
)
const diskImages = new Set(['iso', 'img', 'vhd', 'vhdx'])
/** Documents that can contain macros. */
const macros = new Set('docm dotm xlsm xltm xlam xlsb pptm potm ppsm ppam sldm'.split(' '))
/** What a program may pretend to be, before its real end. */
const documents = new Set(
  'pdf doc docx xls xlsx ppt pptx odt ods odp rtf txt csv jpg jpeg png gif bmp tif tiff heic svg htm html mp3 mp4 mov zip rar 7z eml msg'.split(
    ' ',
  ),
)
/** Types that say so themselves, for files whose name does not. */
const programTypes =
  /^application\/(?:x-msdownload|x-ms-installer|x-msi|x-dosexec|x-executable|x-sh|x-bat|hta|java-archive|vnd\.microsoft\.portable-executable|vnd\.android\.package-archive)\b/i

/** Returns what to warn of; undefined if the file is not known to run. */
export function fileRisk(name: string | null, type: string): FileRisk | undefined {
  // Windows ignores dots and spaces at the end of a name; characters that are not shown decide nothing.
  const shown = (name ?? '').toLowerCase().replaceAll(/[\p{Cf}\p{Cc}]/gu, '')
  const parts = shown.replace(/[.\s]+$/u, '').split('.')
  const end = parts.length > 1 ? parts.at(-1)! : ''
  const before = parts.length > 2 ? parts.at(-2)!.trim() : ''
  if (programs.has(end)) {
    return documents.has(before)
      ? { tone: 'bad', text: `Program, not ${before.toUpperCase()}` }
      : { tone: 'warn', text: 'Program' }
  }
  if (diskImages.has(end)) return { tone: 'warn', text: 'Disk image' }
  if (macros.has(end)) return { tone: 'warn', text: 'May contain macros' }
  if (programTypes.test(type)) return { tone: documents.has(end) ? 'bad' : 'warn', text: 'Program' }
  return undefined
}
