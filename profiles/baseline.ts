import type { Profile } from './profile.ts'

/** What any careful SaaS promises. */
export const baseline: Profile = {
  name: 'baseline',
  settings: {},
  claims: {
    'FSTV-01': 'risk.proportionate',
    'FSTV-02': 'tls.external',
    'FSTV-03': 'tls.enforced.client',
    'FSTV-04': 'tls.enforced.internal',
    'FSTV-05': 'host.location',
    'FSTV-06': 'host.physical',
    'FSTV-07': 'access.authorised',
    'FSTV-08': 'access.least-privilege',
    'FSTV-09': 'audit.admin.access',
    'FSTV-10': 'audit.review',
    'FSTV-11': 'auth.password.hash',
    'FSTV-12': 'secret.no-plaintext',
    'FSTV-13': 'monitor.intrusion',
    'FSTV-14': 'monitor.operations',
    'FSTV-15': 'log.retention',
    'FSTV-16': 'log.protection',
    'FSTV-17': 'backup.schedule',
    'FSTV-18': 'backup.access',
    'FSTV-19': 'backup.immutability',
    'FSTV-20': 'incident.procedure',
    'FSTV-21': 'breach.assessment',
    'FSTV-22': 'subproc.due-diligence',
    'FSTV-23': 'subproc.contract',
    'FSTV-24': 'policy.versioning',
    'FSTV-25': 'disclosure.contact',
  },
}
