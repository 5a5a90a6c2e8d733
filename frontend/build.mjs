// Builds what the pages serve: style, fonts, icons and their licences, into bridge/admin/static/.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import subsetFont from 'subset-font'

const packages = new URL('./node_modules/', import.meta.url)
const target = new URL('../bridge/admin/static/', import.meta.url)
mkdirSync(target, { recursive: true })

// The icons named in icons.txt, as one sprite.
const icons = readFileSync(new URL('./icons.txt', import.meta.url), 'utf8').split('\n').filter(Boolean)
const symbols = icons.map((name) => {
  const drawing = readFileSync(new URL(`lucide-static/icons/${name}.svg`, packages), 'utf8')
  const inside = drawing.replace(/^[^]*?<svg[^>]*>/, '').replace('</svg>', '').replace(/\s+/g, ' ').trim()
  return `<symbol id="${name}" viewBox="0 0 24 24">${inside}</symbol>`
})
writeFileSync(new URL('icons.svg', target), `<svg xmlns="http://www.w3.org/2000/svg">\n${symbols.join('\n')}\n</svg>\n`)

// Latin letters as they come; from the wider set only the signs of money and arithmetic that Latin lacks.
const inter = new URL('@fontsource-variable/inter/', packages)
cpSync(new URL('files/inter-latin-wght-normal.woff2', inter), new URL('inter.woff2', target))
const wider = readFileSync(new URL('files/inter-latin-ext-wght-normal.woff2', inter))
writeFileSync(new URL('inter-signs.woff2', target), await subsetFont(wider, '₹', { targetFormat: 'woff2' }))
const mono = new URL('@fontsource/jetbrains-mono/', packages)
cpSync(new URL('files/jetbrains-mono-latin-400-normal.woff2', mono), new URL('mono.woff2', target))

const licences = [
  ['Inter (inter.woff2, inter-signs.woff2)', new URL('LICENSE', inter)],
  ['JetBrains Mono (mono.woff2)', new URL('LICENSE', mono)],
  ['Lucide (icons.svg)', new URL('lucide-static/LICENSE', packages)],
  ['Tailwind CSS (app.css)', new URL('tailwindcss/LICENSE', packages)],
  ['daisyUI (app.css)', new URL('daisyui/LICENSE', packages)],
]
const texts = licences.map(([what, file]) => `${what}\n\n${readFileSync(file, 'utf8').trim()}\n`)
writeFileSync(new URL('licences.txt', target), texts.join('\n----\n\n'))

const style = new URL('app.css', target).pathname
execFileSync('npx', ['--no-install', 'tailwindcss', '-i', 'app.css', '-o', style, '--minify'], { stdio: 'inherit' })
