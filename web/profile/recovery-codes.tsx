/** The recovery codes, shown once, with ways to save them. */
import { Check, Copy, Download } from 'lucide-react'
import { Button } from '../ui/button.tsx'
import { useCopy } from '../ui/use-copy.ts'

export function RecoveryCodes({ codes }: { codes: readonly string[] }) {
  const text = `${codes.join('\n')}\n`
  return (
    <div className="grid gap-3">
      <p>
        Store these codes where you can find them without your phone. Each works once, in place of a code from the
        authenticator. <strong className="font-semibold">They are not shown again.</strong>
      </p>
      <ul
        aria-label="Recovery codes"
        className="grid grid-cols-2 gap-x-4 gap-y-1 rounded-md bg-sunken p-3 font-mono max-[24rem]:grid-cols-1"
      >
        {codes.map(code => (
          <li key={code} className="whitespace-nowrap">
            {code}
          </li>
        ))}
      </ul>
      <div className="flex flex-wrap gap-2">
        <CopyCodes text={text} />
        <Button size="sm" icon={Download} onClick={() => download(text)}>
          Download
        </Button>
      </div>
    </div>
  )
}

function CopyCodes({ text }: { text: string }) {
  const { outcome, copy } = useCopy(text)
  return (
    <>
      <Button size="sm" icon={outcome === 'copied' ? Check : Copy} onClick={copy}>
        {outcome === 'copied' ? 'Copied' : 'Copy'}
      </Button>
      <span role="status" className={outcome === 'failed' ? 'self-center text-sm text-bad' : 'sr-only'}>
        {outcome === 'copied' && 'Copied'}
        {outcome === 'failed' && 'The browser does not allow copying. Download or select them.'}
      </span>
    </>
  )
}

function download(text: string): void {
  const url = URL.createObjectURL(new Blob([`Recovery codes of RustyMail at ${location.host}\n\n${text}`]))
  const link = document.createElement('a')
  link.href = url
  link.download = 'rustymail-recovery-codes.txt'
  link.click()
  URL.revokeObjectURL(url)
}
