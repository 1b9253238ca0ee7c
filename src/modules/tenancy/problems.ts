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
export const tenantNotErasable = defineProblem({
  code: 'tenant-not-erasable',
  status: 409,
  title: 'The tenant is not erased now',
})
