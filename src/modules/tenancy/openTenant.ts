import type { Actor, ActorSeals } from '../../data/actor.ts'
import type { Target } from '../../data/connection.ts'
import type { ConnectionPool } from '../../data/connectionPool.ts'
import { openFilestore } from '../../data/filestore.ts'
import { actAs, enterContext, enterContextAs } from '../../data/flight.ts'
import { databases, roles } from '../../data/roles.ts'
import { sealContext } from '../../data/seal.ts'
import type { SqlAddress } from '../../data/sql.ts'
import { type Entry, openTenantStore } from '../../data/tenantStore.ts'
import type { Clock } from '../../kernel/clock.ts'
import { tenantPassword, tenantRole } from './credentials.ts'
import type { Registered } from './registry.ts'
import type { Tenant } from './tenant.ts'

/** What it takes to enter any tenant's context. */
export interface TenantAccess {
  pool: ConnectionPool
  /** Server address without database and role. */
  address: SqlAddress
  appPassword: string
  sealKey: Uint8Array
  tenantRoleSecret: string
  actorSeals: ActorSeals
  clock: Clock
  /** Folder that holds `filestore/`. */
  files: string
  /** Connections to the pooled store, and to each tenant's own database, at most. */
  pooledConnections: number
  ownConnections: number
}

/** A seal is good for this long (ms) and renewed after half of it. */
const SEAL_LIFE = 60_000

/** The tenant object of a registry line: the only way to that tenant's data. */
export function openTenant(registered: Registered, access: TenantAccess): Tenant {
  const { database: _database, ...record } = registered
  const entry = registered.model === 'rows' ? pooledEntry(registered, access) : ownEntry(registered, access)
  const store = openTenantStore(access.pool, registered, entry)
  const rest = {
    ...record,
    files: openFilestore({ root: access.files, folder: registered.slug }, registered.state === 'active'),
    cache: { key: (name: string) => `tenant:${registered.id}:${name}` },
  }
  const as = (actor: Actor): Tenant => ({ ...rest, ...store.as(actor), as })
  return { ...rest, query: store.query, transaction: store.transaction, as }
}

type OpenEntry = (actor?: Actor) => Entry

function pooledEntry(tenant: Registered, access: TenantAccess): OpenEntry {
  const target: Target = {
    key: tenant.database,
    config: { ...access.address, user: roles.app, password: access.appPassword, database: databases.pool },
    most: access.pooledConnections,
  }
  let sealedUntil = 0
  let seal = ''
  let preambles: Entry['preambles'] = []
  return (actor) => {
    const now = access.clock.now().getTime()
    if (sealedUntil - now < SEAL_LIFE / 2) {
      sealedUntil = now + SEAL_LIFE
      seal = sealContext(tenant.id, new Date(sealedUntil), access.sealKey)
      preambles = [enterContext(seal)]
    }
    if (!actor) return { target, preambles }
    return { target, preambles: [enterContextAs(seal, access.actorSeals.of(tenant.id, actor))] }
  }
}

/** The database itself says whose it is, so a query needs nothing ahead of it. */
function ownEntry(tenant: Registered, access: TenantAccess): OpenEntry {
  const entry: Entry = {
    target: {
      key: tenant.database,
      config: {
        ...access.address,
        user: tenantRole(tenant.slug),
        password: tenantPassword(access.tenantRoleSecret, tenant.id),
        database: tenant.database,
      },
      most: access.ownConnections,
    },
    preambles: [],
  }
  return (actor) =>
    actor ? { target: entry.target, preambles: [actAs(access.actorSeals.of(tenant.id, actor))] } : entry
}
