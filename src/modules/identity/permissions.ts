/**
 * Who may do what: the one table that is asked. A permission is `<area>.<act>`; a module names the one that its route
 * needs (`config: { permission: 'people.manage' }`) and it is granted here by its name or by a pattern. Least privilege:
 * a role has what its line says and nothing else.
 */
const MEMBER_ROLES = {
  owner: ['*.*'],
  manager: ['*.read', 'content.*', 'people.*'],
  editor: ['content.*'],
  reader: ['content.read'],
} as const

const OPERATOR_ROLES = {
  admin: ['*.*'],
  support: ['*.read', 'impersonation.start'],
  auditor: ['*.read', 'audit.review'],
} as const

/** Needs no role: what concerns oneself. The second is granted before the second factor was shown. */
export const OWN = 'own.account'
export const OWN_PARTIAL = 'own.sign-in'

/** Roles in a tenant, most powerful first. */
export const memberRoles = Object.keys(MEMBER_ROLES) as [keyof typeof MEMBER_ROLES]

/** Roles of operators. */
export const operatorRoles = Object.keys(OPERATOR_ROLES) as [keyof typeof OPERATOR_ROLES]

/** What each role is granted, for the pages that show it. */
export function rolesOf(realm: 'members' | 'operators'): Readonly<Record<string, readonly string[]>> {
  return realm === 'members' ? MEMBER_ROLES : OPERATOR_ROLES
}

/** Whether `role` may do what `permission` names. An unknown role may do nothing. */
export function allows(realm: 'members' | 'operators', role: string, permission: string): boolean {
  if (permission === OWN || permission === OWN_PARTIAL) return true
  const roles = rolesOf(realm)
  return Object.hasOwn(roles, role) && matchesAny(roles[role] as readonly string[], permission)
}

/** Whether who has `role` may hand out `other`: nobody gives more than they have. */
export function covers(realm: 'members' | 'operators', role: string, other: string): boolean {
  const [own, others] = [rolesOf(realm)[role], rolesOf(realm)[other]]
  return others?.every((grant) => matchesAny(own ?? [], grant)) ?? false
}

/** Whether one of `grants` (names or patterns) covers `permission`. */
export function matchesAny(grants: readonly string[], permission: string): boolean {
  const [area, act, ...rest] = permission.split('.')
  if (!area || !act || rest.length > 0 || area === 'own') return false
  return grants.some((grant) => {
    const [grantedArea, grantedAct] = grant.split('.')
    return (grantedArea === '*' || grantedArea === area) && (grantedAct === '*' || grantedAct === act)
  })
}
