/** Mails designed for a wide window, as people get them: each would overflow a narrow pane. */

/** An inline picture that has its size from the start, like a remote one once it is loaded. */
const picture = (width: number, height: number) =>
  `data:image/svg+xml;base64,${Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="#9ab"/></svg>`,
  ).toString('base64')}`
const words =
  'The harvest was early this year, and the growers who had planned for it were done before the rain came over the hills.'

const product = (name: string) =>
  `<td width="200" valign="top" style="padding:10px;width:200px"><img src="${picture(180, 120)}" width="180" height="120" alt="${name}">
   <h3 style="font:600 16px Arial;margin:8px 0">${name}</h3><p style="margin:0">${words}</p><p><a href="https://shop.example/${name}" style="display:inline-block;background:#0a5;color:#fff;padding:10px 24px;white-space:nowrap">Order now, today</a></p></td>`

export const wideMails: Readonly<Record<string, string>> = {
  twoColumns: `<table width="600" align="center" cellpadding="0" cellspacing="0" bgcolor="#ffffff"><tr>
    <td colspan="2"><img src="${picture(600, 160)}" width="600" height="160" style="display:block"></td></tr><tr>
    <td width="300" valign="top" style="padding:20px"><h2>Left</h2>${words}</td>
    <td width="300" valign="top" style="padding:20px"><h2>Right</h2>${words}</td></tr></table>`,
  threeProducts: `<body style="margin:0;background:#eef"><table width="100%"><tr><td align="center"><table width="640" style="width:640px;min-width:640px;background:#fff"><tr>
    ${product('Barometer')}${product('Thermometer')}${product('Hygrometer')}</tr></table></td></tr></table>`,
  boxes: `<div style="width:640px;min-width:600px;margin:0 auto;border:1px solid #ccc;padding:24px"><div style="width:592px;height:60px;background:#246;color:#fff">A headline that is as wide as the box</div><p style="width:592px">${words}</p></div>`,
  manyColumns: `<table border="1" cellpadding="6"><tr>${'<th nowrap>Temperature</th>'.repeat(8)}</tr><tr>${'<td nowrap style="white-space:nowrap">12.5 degrees</td>'.repeat(8)}</tr></table>`,
  longWords: `<p>https://tracker.example/${'a1b2c3d4'.repeat(40)}</p><pre>${'x = compute(y) '.repeat(30)}</pre><table><tr><td>${'w'.repeat(300)}</td><td>b</td></tr></table>`,
  important: `<style>.c{width:700px!important;min-width:700px!important}.t td{width:350px!important}@media (max-width:400px){.c{background:#ffe}}</style>
    <div class="c"><table class="c t"><tr><td>${words}</td><td>${words}</td></tr></table></div><p style="width:900px!important;max-width:none!important">${words}</p>`,
  outlook: `<table border="0" width="800" style="width:600.0pt;border-collapse:collapse"><tr><td width="800" valign="top" style="width:600.0pt;padding:0cm 5.4pt 0cm 5.4pt"><p style="margin-left:72.0pt">${words}</p><p style="margin-left:144.0pt;margin-right:-40px;text-indent:-18.0pt">${words}</p></td></tr></table>`,
  picture: `<p><img src="${picture(1200, 300)}"></p><p><a href="https://a.example"><img src="${picture(900, 100)}" style="width:900px;max-width:900px"></a></p>`,
  nested: `<table cellpadding="20"><tr><td>${'<table cellpadding="20" width="560"><tr><td>'.repeat(3)}<h1 style="font-size:34px;white-space:nowrap">A headline in one line</h1>${words}${'</td></tr></table>'.repeat(3)}</td></tr></table>`,
  modern: `<div style="display:flex;gap:20px"><div style="flex:0 0 260px">${words}</div><div style="flex:0 0 260px">${words}</div></div>
    <div style="display:grid;grid-template-columns:220px 220px 220px"><div>${words}</div><div>${words}</div><div>${words}</div></div>
    <div style="columns:3 220px;width:720px">${words}${words}</div>`,
  replies: `${'<blockquote style="margin:0 0 0 40px;border-left:2px solid #ccc;padding-left:12px">'.repeat(9)}${words}${'</blockquote>'.repeat(9)}<hr width="700" size="2">`,
  placed: `<div style="position:relative;width:620px;height:120px"><div style="position:absolute;left:420px;top:10px;width:190px">${words}</div><div style="position:absolute;left:0;top:10px;width:400px">${words}</div></div>`,
}
