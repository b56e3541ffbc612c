const [file, fn] = process.argv.slice(2)
const m = await import(`./${file}.ts`)
console.log(JSON.stringify(await m[fn](), null, 1))
