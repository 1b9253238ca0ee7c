import { stores } from '../../data/index.ts'
import { defineModule } from '../../kernel/module.ts'
import { tenancy } from '../tenancy/index.ts'
import { passwordHash } from './measures/auth-password-hash.ts'
import { passwordRehash } from './measures/auth-password-rehash.ts'
import { openPasswords } from './passwords.ts'
import { openPeople, type People } from './people.ts'
import { operatorRealm, type Realm } from './realm.ts'
import { identitySettings } from './settings.ts'

/** What other modules get from identity. */
export interface IdentityApi {
  people: People
  /** The people who run the deployment. */
  operators: Realm
}

/** Who may do what: members of tenants, operators, how they sign in and what they may. */
export const identity = defineModule({
  name: 'identity',
  needs: { stores, tenancy },
  settings: identitySettings,
  migrations: {
    control: new URL('./migrations/control/', import.meta.url),
    tenant: new URL('./migrations/tenant/', import.meta.url),
  },
  async start({ settings, clock }, { stores, tenancy }) {
    const passwords = await openPasswords(settings)
    const people = openPeople(passwords, clock)
    const api: IdentityApi = { people, operators: operatorRealm(stores.control) }
    const canaries = tenancy.canaries.open
    return {
      api,
      measures: [passwordHash(settings, people, canaries), passwordRehash(settings, people, canaries)],
    }
  },
})
