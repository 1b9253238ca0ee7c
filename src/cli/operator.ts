import { randomBytes } from 'node:crypto'
import type { Command } from 'commander'
import { defineProblem } from '../kernel/problems.ts'
import {
  identity,
  invitationLink,
  memberRoles,
  operatorRoles,
  type Realm,
  setUpLink,
  tenantRealm,
} from '../modules/identity/index.ts'
import type { Platform } from './platform.ts'
import { withPlatform } from './tenant.ts'

const done = defineProblem({ code: 'set-up-closed', status: 409, title: 'There is an operator already' })

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
  operator
    .command('set-up-link')
    .description('print the link by which the first operator comes in, while there is none')
    .action(showSetUpLink)
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
    const { people, operators, setUp } = platform.api(identity)
    await create(email, options, operatorRoles, (person) => people.add(operators, person))
    await setUp.offer() // no longer: what is left of the link goes
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
  return withPlatform(async (platform) => {
    const { operators, setUp } = platform.api(identity)
    await invite(platform, operators, platform.edge.adminHost, { email, ...options }, operatorRoles)
    await setUp.offer() // no longer: what is left of the link goes
  })
}

function showSetUpLink(): Promise<void> {
  return withPlatform(async ({ api, edge }) => {
    const token = await api(identity).setUp.offer()
    if (!token) throw done('Sign in, or let an operator invite: `surety operator invite`.')
    console.log(setUpLink(`https://${edge.adminHost}${edge.portInLinks}`, token))
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
