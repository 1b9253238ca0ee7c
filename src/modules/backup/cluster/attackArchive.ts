import type { ProbeContext } from '../../../proof/measure.ts'
import type { PitrSettings } from '../settings.ts'
import { archivedSegments, headOf, missingSegments } from './archive.ts'
import type { Cluster } from './cluster.ts'
import { type ClusterBackup, listClusterBackups } from './clusterBackups.ts'
import type { ClusterServer } from './server.ts'

/** How a file begins that OpenSSL encrypted, as pgBackRest does. */
const ENCRYPTED = 'Salted__'
const DAY = 86_400_000

/** Looks whether all of the log since the oldest backup is in the repository, encrypted, and nothing that is too old. */
export async function attackArchive(
  cluster: Cluster,
  server: ClusterServer,
  {
    check,
    positiveControl,
    clock,
    settings,
  }: Pick<
    ProbeContext<{ pitr: Pick<PitrSettings, 'keepFor' | 'fullEvery'> | null }>,
    'check' | 'positiveControl' | 'clock' | 'settings'
  >,
): Promise<void> {
  const place = cluster.place()
  const oldest = (await listClusterBackups(place))[0] as ClusterBackup
  const segments = await archivedSegments(place)
  const names = segments.map(({ name }) => name)
  const missing = (list: readonly string[]) => missingSegments(list, oldest.firstSegment, server.segmentSize)
  check('segments of the log since the oldest backup that are missing in the repository', [], missing(names))
  positiveControl(
    'the same look once the first of them is left out',
    [oldest.firstSegment],
    missing(names.filter((name) => name !== oldest.firstSegment)).slice(0, 1),
  )
  const heads = await Promise.all(segments.slice(-1).map(({ path }) => headOf(place, path)))
  check('the newest segment begins as what is encrypted does', [ENCRYPTED], heads)
  const { keepFor, fullEvery } = settings.pitr as Pick<PitrSettings, 'keepFor' | 'fullEvery'>
  // The full backup that the beginning of the window needs is older by as much; one may be a day late.
  const limit = keepFor + fullEvery + DAY
  const tooOld = ({ endedAt }: Pick<ClusterBackup, 'endedAt'>) =>
    clock.now().getTime() - endedAt.getTime() > limit
  check('the oldest backup is older than the window and the full backup before it', false, tooOld(oldest))
  positiveControl(
    'the same look at one of then',
    true,
    tooOld({ endedAt: new Date(clock.now().getTime() - limit - 1) }),
  )
}
