import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'

const ROOT = join(import.meta.dirname, '..')
const table = readFileSync(join(ROOT, 'docs/asvs.md'), 'utf8')

it('every test that docs/asvs.md names is there', () => {
  const named = [...table.matchAll(/\[[^\]]+\]\(\.\.\/([^)]+\.test\.ts)\): ([^|]+?)(?=<br>| \|)/g)]
  assert.ok(named.length > 80, `${named.length} are named`)
  const missing = named.filter(([, file = '', title = '']) => {
    const source = existsSync(join(ROOT, file)) ? readFileSync(join(ROOT, file), 'utf8') : ''
    // A title that a loop makes is named by its end or its beginning.
    return !source.replaceAll('\\', '').includes(title.trim())
  })
  assert.deepEqual(
    missing.map(([, file, title]) => `${file}: ${title}`),
    [],
  )
})

it('docs/asvs.md counts what it shows', () => {
  const lines = [...table.matchAll(/^\| (\d+\.\d+\.\d+) \| (\d) \|.*\| (yes|partly|no) \| (.*) \|$/gm)]
  const counted = (levels: string) =>
    ['yes', 'partly', 'no'].map((state) =>
      String(lines.filter(([, , level = '', told]) => levels.includes(level) && told === state).length),
    )
  assert.match(table, new RegExp(`\\| levels 1 and 2 \\| ${counted('12').join(' \\| ')} \\|`))
  assert.match(table, new RegExp(`\\| all \\| ${counted('123').join(' \\| ')} \\|`))
  assert.ok(lines.every(([, , , told, shown]) => (told === 'no') === (shown?.trim() === '')))
})
