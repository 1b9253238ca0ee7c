// `npm run new:module -- <name>`: a new module with a setting, a measure and its sabotage test, ready to be changed.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/

/** Template (in module-template/, with `.txt`) and where it goes in the module's folder. */
const FILES = {
  'index.ts': 'index.ts',
  'domain.ts': '{{folder}}.ts',
  'domain.test.ts': '{{folder}}.test.ts',
  'measures/limit.ts': 'measures/{{folder}}-limit.ts',
  'measures/limit.test.ts': 'measures/{{folder}}-limit.test.ts',
}

const root = join(import.meta.dirname, '..')
const [folder = '', ...rest] = process.argv.slice(2)
const target = join('src/modules', folder)
const problem = whyNot()
if (problem) {
  console.error(problem)
  process.exitCode = 2
} else {
  createModule()
}

function whyNot(): string | undefined {
  if (rest.length > 0 || folder === '') return 'Usage: npm run new:module -- <name>'
  if (!NAME.test(folder))
    return `"${folder}" is not a name for a module: lower-case words joined by "-", such as push-mail.`
  if (existsSync(join(root, target))) return `${target} exists already.`
  return undefined
}

function createModule(): void {
  for (const [template, path] of Object.entries(FILES)) {
    const text = readFileSync(join(import.meta.dirname, 'module-template', `${template}.txt`), 'utf8')
    const file = join(target, fill(path))
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), fill(text))
    console.log(file)
  }
  format()
  console.log(
    [
      '',
      `Try it:      npm test -- ${target}`,
      'Put it in:   name it in the list of modules; until then `npm run check` calls it unused.',
      'Then:        say in index.ts what it needs, and replace the limit by what it is for.',
    ].join('\n'),
  )
}

/** How long lines are depends on the name. */
function format(): void {
  const biome = join(root, 'node_modules/@biomejs/biome/bin/biome')
  execFileSync(process.execPath, [biome, 'check', '--write', '--log-level=none', target], { cwd: root })
}

function fill(text: string): string {
  const name = folder.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
  const names = { folder, name, Name: name.charAt(0).toUpperCase() + name.slice(1) }
  return text.replace(/\{\{(folder|name|Name)\}\}/g, (_, key: keyof typeof names) => names[key])
}
