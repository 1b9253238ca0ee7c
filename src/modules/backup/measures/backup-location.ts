import { GetBucketLocationCommand } from '@aws-sdk/client-s3'
import { type Measure, measure } from '../../../proof/measure.ts'
import { type Bucket, bucketOf } from '../bucket.ts'

interface Location {
  region: string | null
}

/** FEST-04. */
export function backupLocation(given: Bucket | undefined): Measure<Location> {
  return measure<Location>({
    key: 'backup.location',
    sources: ['FEST-04'],
    family: 'availability',
    maps: { gdpr: ['28', '44'], iso27001: ['A.5.23'] },
    settings: { region: given?.region ?? null },
    claim: {
      de: ({ region }) =>
        region === null
          ? 'Sicherungen liegen auf dem Server selbst.'
          : `Der Speicher der Sicherungen liegt in der Region ${region}.`,
      en: ({ region }) =>
        region === null
          ? 'Backups lie on the server itself.'
          : `The backup store is in the region ${region}.`,
    },
    async prove(context) {
      const { check, positiveControl } = context
      const { client, bucket: Bucket, region } = bucketOf(given, context)
      const { LocationConstraint } = await client.send(new GetBucketLocationCommand({ Bucket }))
      // AWS names its first region by saying nothing.
      const said = LocationConstraint ?? 'us-east-1'
      check('the region that the store itself names for the bucket', region, said)
      positiveControl('the same comparison with another region', false, isIn('elsewhere-1', said))
    },
  })
}

const isIn = (region: string, said: string) => region === said
