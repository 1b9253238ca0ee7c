import type { Me } from './api/routes.ts'

/** Whether grants (`content.*`) cover a permission (`content.read`); only decides what is shown, the server what is done. */
export function may({ permissions }: Pick<Me, 'permissions'>, permission: string): boolean {
  const [area, act] = permission.split('.')
  return permissions.some((grant) => {
    const [grantedArea, grantedAct] = grant.split('.')
    return (grantedArea === '*' || grantedArea === area) && (grantedAct === '*' || grantedAct === act)
  })
}
