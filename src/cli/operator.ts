import { randomBytes } from 'node:crypto'
import type { Command } from 'commander'
import { createLog } from '../kernel/log.ts'
import {
  identity,
  invitationLink,
  memberRoles,
  operatorRoles,
  type Realm,
  tenantRealm,
} from '../modules/identity/index.ts'
import { runningEnvironment } from './environment.ts'
import { type Platform, startPlatform } from './platform.ts'

/** Adds `operator` and `member`: people from the command line. */
export function addIdentityCommands(program: Command): void {
  const operator = program.command('operator').description('people who run this deployment')
  operator.command('list').description('every operator').action(listOperators)
  operator
    .command('create')
    .description('make an operator; prints a password once')
    .argument('<email>')
    .option('--name <name>', 'display name')
    .option('--role <role>', operatorRoles.join(', '), 'admin')
    .action(createOperator)
  operator
    .command('invite')
    .description('make an operator; prints a link where they choose a password')
    .argument('<email>')
    .option('--name <name>', 'display name')
    .option('--role <role>', operatorRoles.join(', '), 'admin')
    .action(inviteOperator)
  const member = program.command('member').description('people of a tenant')
  member
    .command('create')
    .description('make a member; prints a password once')
    .argument('<tenant>', 'slug')
    .argument('<email>')
    .option('--name <name>', 'display name')
    .option('--role <role>', memberRoles.join(', '), 'owner')
    .action(createMember)
  member
    .command('invite')
    .description('make a member; prints a link where they choose a password')
    .argument('<tenant>', 'slug')
    .argument('<email>')
    .option('--name <name>', 'display name')
    .option('--role <role>', memberRoles.join(', '), 'owner')
    .action(inviteMember)
}

interface NewPersonOptions {
  name?: string
  role: string
}

function createOperator(email: string, options: NewPersonOptions): Promise<void> {
  return withPlatform(async (platform) => {
    const { people, operators } = platform.api(identity)
    await create(email, options, operatorRoles, (person) => people.add(operators, person))
  })
}

function createMember(slug: string, email: string, options: NewPersonOptions): Promise<void> {
  return withPlatform(async (platform) => {
    const realm = tenantRealm(await platform.tenancy.bySlug(slug))
    const { people } = platform.api(identity)
    await create(email, options, memberRoles, (person) => people.add(realm, person))
  })
}

function inviteOperator(email: string, options: NewPersonOptions): Promise<void> {
  return withPlatform((platform) => {
    const { operators } = platform.api(identity)
    return invite(platform, operators, platform.edge.adminHost, { email, ...options }, operatorRoles)
  })
}

function inviteMember(slug: string, email: string, options: NewPersonOptions): Promise<void> {
  return withPlatform(async (platform) => {
    const tenant = await platform.tenancy.bySlug(slug)
    const host = tenant.hosts[0] as string
    await invite(platform, tenantRealm(tenant), host, { email, ...options }, memberRoles)
  })
}

/** Somebody who was added before and never came gets a new link. */
async function invite(
  { api, edge }: Platform,
  realm: Realm,
  host: string,
  { email, name = email, role }: NewPersonOptions & { email: string },
  roles: readonly string[],
): Promise<void> {
  checkRole(role, roles)
  const { people, invitations } = api(identity)
  const known = (await people.list(realm)).find((person) => person.email === email.toLowerCase())
  const id = known?.id ?? (await people.add(realm, { email, name, role, password: null }))
  const { token, expiresAt } = await invitations.make(realm, id)
  const link = invitationLink(`https://${host}${edge.portInLinks}`, token)
  console.log(`${email} (${known?.role ?? role}) chooses a password here, until ${expiresAt}:\n${link}`)
}

function checkRole(role: string, roles: readonly string[]): void {
  if (!roles.includes(role)) throw new Error(`There is no role "${role}"; use ${roles.join(', ')}.`)
}

async function create(
  email: string,
  { name = email, role }: NewPersonOptions,
  roles: readonly string[],
  add: (person: { email: string; name: string; role: string; password: string }) => Promise<string>,
): Promise<void> {
  checkRole(role, roles)
  const password = randomBytes(15).toString('base64url')
  await add({ email, name, role, password })
  console.log(`${email} (${role})\npassword, shown this once: ${password}`)
}

function listOperators(): Promise<void> {
  return withPlatform(async (platform) => {
    const { people, operators } = platform.api(identity)
    for (const { email, role, state } of await people.list(operators))
      console.log([email.padEnd(40), role.padEnd(10), state].join(' '))
  })
}

async function withPlatform(work: (platform: Platform) => Promise<void>): Promise<void> {
  const log = createLog({ name: 'surety', level: 'error' })
  const platform = await startPlatform({ log, environment: runningEnvironment() })
  try {
    await work(platform)
  } finally {
    await platform.stop()
  }
}
