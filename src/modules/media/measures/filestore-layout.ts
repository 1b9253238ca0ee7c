import { existsSync } from 'node:fs'
import { link, mkdir, readdir, readFile, rm, rmdir, symlink } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { newId } from '../../../kernel/ids.ts'
import { Problem } from '../../../kernel/problems.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import type { CanaryPair, Tenant } from '../../tenancy/index.ts'

/** FEST-19. */
export function filestoreLayout(root: string, canaries: () => Promise<CanaryPair[]>): Measure {
  return measure({
    key: 'filestore.layout',
    sources: ['FEST-19'],
    family: 'separation',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.3', 'A.8.22'] },
    claim: {
      de: () => 'Hochgeladene Dateien liegen je Mandant unter filestore/<Name der Datenbank>/.',
      en: () => 'Uploads are laid out under filestore/<name of the database>/, one folder a tenant.',
    },
    async prove({ check, positiveControl }) {
      for (const { model, a, b } of await canaries()) {
        const name = `probe-${newId()}`
        const [ofA, ofB] = [`marker of ${a.slug} ${name}`, `marker of ${b.slug} ${name}`]
        const folder = (tenant: Tenant) => join(root, 'filestore', tenant.slug)
        try {
          await write(a, `${name}/marker`, ofA)
          await write(b, `${name}/marker`, ofB)
          check(
            `${model}: files anywhere in the store that contain what was uploaded`,
            [`filestore/${a.slug}/${name}/marker`],
            await findContent(root, ofA),
          )
          await mkdir(join(folder(a), name), { recursive: true })
          await symlink(join('../..', b.slug, name, 'marker'), join(folder(a), name, 'symlink'))
          await symlink(join('../..', b.slug, name), join(folder(a), name, 'folder'))
          await link(join(folder(b), name, 'marker'), join(folder(a), name, 'hardlink'))
          positiveControl(
            `${model}: a planted link really leads to the other tenant's file`,
            ofB,
            await readFile(join(folder(a), name, 'symlink'), 'utf8'),
          )
          for (const [what, path] of attempts(name, b.slug))
            check(`${model}: reading by ${what}`, 'refused', await tryRead(a, path, ofB))
          for (const [what, path] of attempts(name, b.slug).filter(([, path]) => !path.endsWith('link')))
            check(
              `${model}: writing by ${what}, files outside the own folder`,
              [],
              await writeOutside(root, a, path, `${b.slug}/${name}`),
            )
          await rm(join(folder(a), name, 'hardlink'), { force: true })
          check(`${model}: the other tenant's file`, ofB, await read(b, `${name}/marker`).catch(refused))
        } finally {
          for (const tenant of [a, b]) await rm(join(folder(tenant), name), { recursive: true, force: true })
        }
      }
    },
  })
}

/** Ways from A's folder to B's file. */
function attempts(name: string, slugOfB: string): [string, string][] {
  const target = `${slugOfB}/${name}/marker`
  return [
    ['going up', `../${target}`],
    ['going up from within', `${name}/../../${target}`],
    ['an absolute path', `/${target}`],
    ['a path from the root of the store', `filestore/${target}`],
    ['a NUL after the name', `../${target}\0.png`],
    ['a backslash', `..\\${target.replaceAll('/', '\\')}`],
    ['percent signs', `%2e%2e%2f${encodeURIComponent(target)}`],
    ['the process’s own directory', `../../../../../proc/self/cwd/${target}`],
    ['a symbolic link to the file', `${name}/symlink`],
    ['a symbolic link to the folder', `${name}/folder/marker`],
    ['a hard link to the file', `${name}/hardlink`],
  ]
}

const write = (tenant: Tenant, path: string, content: string) =>
  tenant.files.write(path, [Buffer.from(content)])

async function read(tenant: Tenant, path: string): Promise<string> {
  const { stream } = await tenant.files.open(path)
  return Buffer.concat(await stream.toArray()).toString()
}

async function tryRead(tenant: Tenant, path: string, foreign: string): Promise<string> {
  const seen = await read(tenant, path).catch(refused)
  return seen === foreign ? 'LEAK' : seen
}

/** Where a write landed outside the tenant's own folder. What it left anywhere is removed. */
async function writeOutside(root: string, tenant: Tenant, path: string, aim: string): Promise<string[]> {
  const planted = `planted ${newId()}`
  await write(tenant, path, planted).catch(refused)
  const found = await findContent(root, planted)
  for (const file of found) await rm(join(root, file), { force: true })
  if (existsSync(aim)) {
    await rm(aim, { recursive: true })
    await rmdir(dirname(aim)).catch(() => undefined)
    found.push(`(the process's own directory)/${aim}`)
  }
  return found.filter((file) => !file.startsWith(`filestore/${tenant.slug}/`))
}

function refused(error: unknown): string {
  if (error instanceof Problem && error.status < 500) return 'refused'
  throw error
}

/** Files under `root/filestore` that contain `text`, relative to `root`. */
async function findContent(root: string, text: string): Promise<string[]> {
  const entries = await readdir(join(root, 'filestore'), { recursive: true, withFileTypes: true })
  const found: string[] = []
  for (const entry of entries.filter((one) => one.isFile() && one.parentPath.includes('canary-'))) {
    const path = join(entry.parentPath, entry.name)
    const content = await readFile(path).catch(() => Buffer.alloc(0))
    if (content.includes(text)) found.push(relative(root, path))
  }
  return found
}
