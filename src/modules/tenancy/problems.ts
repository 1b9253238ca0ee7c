import { defineProblem } from '../../kernel/problems.ts'

export const tenantNotFound = defineProblem({
  code: 'tenant-not-found',
  status: 404,
  title: 'No such tenant',
})
export const tenantExists = defineProblem({
  code: 'tenant-exists',
  status: 409,
  title: 'The tenant exists already',
})
export const invalidTenant = defineProblem({
  code: 'tenant-invalid',
  status: 400,
  title: 'The tenant cannot be made like this',
})
export const notPrivileged = defineProblem({
  code: 'not-privileged',
  status: 500,
  title: "This process does not hold the migrator's password",
})
