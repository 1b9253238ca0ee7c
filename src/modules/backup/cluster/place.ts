import { chownSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Account, serverAccount } from '../../../data/local/account.ts'
import { giveFolder, serverHome } from '../../../data/local/home.ts'
import type { PostgresSettings } from '../../../data/local/postgresConfig.ts'
import { keepSecret, readSecret } from '../../../data/secrets.ts'
import type { PitrSettings } from '../settings.ts'

/** Where pgBackRest's files are on this machine, and as whom it runs. */
export interface Place {
  stanza: string
  /** A folder of its user's own. */
  home: string
  /** pgbackrest.conf, with the passphrase in it: only its user may read it. */
  config: string
  /** Who owns the cluster's files, when that is not who we are. */
  account: Account | undefined
}

/** A segment of the log is 16 MB, most of it empty when it is archived by time: that compresses to nearly nothing. */
const COMPRESSION = 'zst'
const DAY = 86_400_000

/**
 * Makes the folder and writes the configuration; safe to repeat. Needs no database: a cluster is restored where there is
 * none. As root pgBackRest runs as the user postgres, who owns the cluster's files.
 */
export function openPlace(options: {
  files: string
  secrets: string
  pitr: PitrSettings
  log: (line: string) => void
}): Place {
  const { files, secrets, pitr, log } = options
  const account = serverAccount(['postgres'])
  const home = serverHome({ dir: files, name: 'pgbackrest', account, log })
  const place = { stanza: pitr.stanza, home, config: join(home, 'pgbackrest.conf'), account }
  const folder = pitr.s3 ? undefined : (pitr.folder ?? join(home, 'repository'))
  if (folder) giveFolder(folder, account)
  const passphrase = pitr.passphraseFileName
    ? readSecret(pitr.passphraseFileName)
    : keepSecret(secrets, 'pitr-passphrase')
  // Its user may not be able to pass the folder that the settings name.
  const authority = pitr.s3?.caFileName && join(home, 'authority.crt')
  if (authority) writeWhole(authority, account, readFileSync(pitr.s3?.caFileName as string, 'utf8'))
  writeWhole(place.config, account, configOf(home, pitr, { folder, passphrase, authority }))
  return place
}

function configOf(
  home: string,
  { s3, keepFor }: PitrSettings,
  {
    folder,
    passphrase,
    authority,
  }: { folder: string | undefined; passphrase: string; authority: string | undefined },
): string {
  const repository: Record<string, string | undefined> = s3
    ? {
        'repo1-type': 's3',
        'repo1-path': `/${s3.prefix.replace(/\/$/, '')}`,
        'repo1-s3-bucket': s3.bucket,
        'repo1-s3-region': s3.region,
        'repo1-s3-endpoint': s3.endpoint ? new URL(s3.endpoint).host : `s3.${s3.region}.amazonaws.com`,
        'repo1-s3-uri-style': s3.endpoint ? 'path' : 'host',
        'repo1-s3-key': s3.accessKeyId,
        'repo1-s3-key-secret': readSecret(s3.secretKeyFileName),
        'repo1-storage-ca-file': authority,
      }
    : { 'repo1-path': folder }
  const options: Record<string, string | undefined> = {
    ...repository,
    'repo1-cipher-type': 'aes-256-cbc',
    'repo1-cipher-pass': passphrase,
    // Most files of a cluster of many small databases are tiny: one object each would take longest of all.
    'repo1-bundle': 'y',
    'repo1-retention-full-type': 'time',
    'repo1-retention-full': String(keepFor / DAY),
    'compress-type': COMPRESSION,
    'start-fast': 'y',
    'process-max': '2',
    'lock-path': join(home, 'lock'),
    // What it says goes to whoever runs it.
    'log-level-file': 'off',
  }
  const lines = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  )
  return `[global]\n${lines.join('\n')}\n`
}

/** Several processes may do this at once: each time it is there whole. */
function writeWhole(file: string, account: Account | undefined, text: string): void {
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, text, { mode: 0o600 })
  if (account) chownSync(draft, account.uid, account.gid)
  renameSync(draft, file)
}

/** What the server of the files in `cluster` must be set to, so that its log is archived. */
export function archiveSettings(
  { config, stanza }: Pick<Place, 'config' | 'stanza'>,
  cluster: string,
  { archiveEvery }: Pick<PitrSettings, 'archiveEvery'>,
): PostgresSettings {
  const options = `--config="${config}" --stanza=${stanza} --pg1-path="${cluster}"`
  return {
    archive_mode: true,
    archive_command: `pgbackrest ${options} archive-push "%p"`,
    archive_timeout: Math.max(1, Math.floor(archiveEvery / 1_000)),
  }
}
