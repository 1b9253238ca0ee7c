import { Argument, type Command } from 'commander'
import { identity } from '../modules/identity/index.ts'
import { vault } from '../modules/vault/index.ts'
import { withPlatform } from './tenant.ts'

/** Adds `keys`: what seals stored secrets and what signs access tokens. */
export function addKeyCommands(program: Command): void {
  const keys = program
    .command('keys')
    .description('keys that seal stored secrets, keys that sign access tokens')
  keys
    .command('rotate')
    .description('make a new key the current one')
    .addArgument(
      new Argument('[which]', 'what seals stored secrets, or signs access tokens')
        .choices(['secrets', 'tokens'])
        .default('secrets'),
    )
    .action((which: string) => (which === 'tokens' ? rotateTokenKeys() : rotateMasterKey()))
  keys.command('status').description('which keys seal how many stored secrets').action(showStatus)
  keys
    .command('rewrap')
    .description('bring all data keys and stored secrets to the current master key; repeat it after a crash')
    .action(rewrap)
  keys.command('list').description('the keys that sign access tokens').action(listTokenKeys)
  keys
    .command('drop')
    .description('refuse every access token that a stolen key signed')
    .argument('<kid>')
    .action((kid: string) => withPlatform((platform) => platform.api(identity).keys.drop(kid)))
}

function rotateMasterKey(): Promise<void> {
  return withPlatform(async (platform) => {
    const version = await platform.api(vault).keys.rotate()
    console.log(`v${version} is the current master key. \`surety keys rewrap\` brings what there is to it.`)
  })
}

function rewrap(): Promise<void> {
  return withPlatform(async (platform) => {
    const left = new Map<string, number>()
    await platform.api(vault).keys.rewrap((progress) => {
      if (progress.step === 'data keys') console.log(`data keys ${progress.done}/${progress.total}`)
      else {
        const { store, stores, database, field, done } = progress
        if (done > 0) console.log(`store ${store}/${stores} ${database}: ${field} ${done} sealed anew`)
        left.set(`${database} ${field}`, progress.left)
      }
    })
    const closed = [...left.values()].reduce((sum, one) => sum + one, 0)
    if (closed > 0) throw new Error(`${closed} secrets do not open and were left as they are; see the log.`)
  })
}

function showStatus(): Promise<void> {
  return withPlatform(async (platform) => {
    const { masterKeys, sealed } = await platform.api(vault).keys.status()
    for (const { version, madeAt, isHere, wraps } of masterKeys) {
      const place = isHere ? 'here' : 'NOT HERE'
      const role = version === masterKeys.at(-1)?.version ? 'current' : wraps > 0 ? 'in use' : 'not needed'
      const use = `wraps ${wraps} data keys`
      console.log(`master key v${version}`.padEnd(16), madeAt.toISOString(), place, use, role)
    }
    for (const { field, version, count } of sealed) console.log(field.padEnd(48), `v${version}`, count)
  })
}

function listTokenKeys(): Promise<void> {
  return withPlatform(async (platform) => {
    for (const { kid, signsFrom, droppedFrom } of platform.api(identity).keys.accepted())
      console.log(
        [kid, signsFrom.toISOString(), droppedFrom ? `until ${droppedFrom.toISOString()}` : ''].join(' '),
      )
  })
}

function rotateTokenKeys(): Promise<void> {
  return withPlatform(async (platform) => console.log(await platform.api(identity).keys.rotate()))
}
