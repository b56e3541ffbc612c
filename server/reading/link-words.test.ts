/** Links in plain text: shown as those of HTML are, and none that a program would follow or load automatically. */
import { expect, test } from 'vitest'
import { withoutTargets } from './link-words.ts'

test.each([
  ['[Order](https://track.example.org/c?u=ann)', '[Order] (track.example.org)'],
  ['![](https://evil.example/?q=secret)', '![] (evil.example)'],
  ['![x](//evil.example/p "title")', '![x] (evil.example "title")'],
  ['[a](<https://evil.example/a b>)', '[a] (evil.example b>)'],
  ['[a](https://evil.example/a(b)?q=1)', '[a] (evil.example(b)?q=1)'],
  ['[a](javascript:alert)', '[a] (javascript:alert)'],
  ['![a](data:image/png;base64,AA)', '![a] (data:image/png;base64,AA)'],
  ['[a][1]\n\n[1]: https://evil.example/x?u=ann', '[a][1]\n\n[1]: evil.example'],
  ['[1]:\n  <https://evil.example/x> "t"', '[1]: evil.example "t"'],
  ['[1]: <javascript:alert(1)>', '[1] : <javascript:alert(1)>'],
  ['[1]: data:text/html,x', '[1] : data:text/html,x'],
  ['[1]: see 10:30', '[1]: see 10:30'],
  ['<https://www.example.org/a?b=c>', '(example.org)'],
  ['Click here <https://t.example/x>', 'Click here (t.example)'],
  ['See https://example.org/a/b?u=ann&x=1#top.', 'See https://example.org/a/b?….'],
  ['https://example.org/a/b, really?', 'https://example.org/a/b, really?'],
  ['<mailto:a@b.example?body=x> ftp://e.example/a?b', '<mailto:a@b.example?…> ftp://e.example/a?…'],
  ['[a](\nhttps://e.example/x?y)', '[a] (\nhttps://e.example/x?…)'],
  ['Is it https://example.org/?', 'Is it https://example.org/?'],
  ['[ ] open (see below), f[0](x), a <b> c', '[ ] open (see below), f[0] (x), a <b> c'],
])('%j becomes %j, once for all', (text, told) => {
  expect(withoutTargets(text)).toBe(told)
  expect(withoutTargets(told)).toBe(told)
})
