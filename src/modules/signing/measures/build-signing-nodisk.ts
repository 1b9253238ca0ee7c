import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Measure, measure } from '../../../proof/measure.ts'
import { findInFiles, formsOf } from '../../secrets/index.ts'
import { type HandOver, pathOf, wayToDisk } from '../handOver.ts'
import { keystore } from './build-signing-fetch.ts'

interface Parts {
  /** The running one; a test may break it. */
  handOver: HandOver
  /** Where the deployment keeps files. */
  files: string
}

/** Reads as a signing tool does, and says what it read and from what; holds it open until told to end. */
const TOOL = `
const { createHash } = require('node:crypto'), fs = require('node:fs')
const fd = Number(process.argv[1].slice('/dev/fd/'.length))
const hash = (bytes) => createHash('sha256').update(bytes).digest('hex')
const path = process.argv[1]
const content = hash(fs.readFileSync(path))
const again = hash(fs.readFileSync(path))
const passphrase = hash(fs.readFileSync(0).toString().split('\\n')[0])
const { type } = fs.statfsSync(path)
const { nlink } = fs.statSync(path)
const core = fs.readFileSync('/proc/self/limits', 'utf8').match(/Max core file size +(\\S+)/)[1]
console.log(JSON.stringify({ content, again, passphrase, type, nlink, core, args: process.argv.length }))
`
const TMPFS = 0x01021994

/** FEST-22. A tool is handed a keystore as a build would, and then it is looked for wherever something was written. */
export function buildSigningNodisk(parts: Parts): Measure {
  return measure({
    key: 'build.signing.nodisk',
    sources: ['FEST-22'],
    family: 'data-access',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.12', 'A.8.24'] },
    timeout: 300_000,
    claim: {
      de: () =>
        'Signaturschlüssel berühren die Platte des Build-Rechners nie: das Werkzeug bekommt eine Datei im Arbeitsspeicher ohne Namen, ohne Auslagerung und ohne Speicherabzug.',
      en: () =>
        "Signing keys never touch a build machine's disk: the tool gets a file in memory without a name, without swap and without core dumps.",
    },
    async prove({ check, positiveControl, notObservable, clock }) {
      const way = wayToDisk()
      if (process.platform !== 'linux') notObservable('NOT_LINUX', String(way))
      check('ways by which memory reaches a disk here', null, way)
      const material = keystore()
      const since = new Date(clock.now().getTime() - 1_000)
      const sought = [
        { name: 'keystore', forms: formsOf(material.content.subarray(8, 40)) },
        { name: 'passphrase', forms: formsOf(Buffer.from(material.passphrase)) },
      ]
      const { code, output } = await parts.handOver([material], {
        command: process.execPath,
        args: ['-e', TOOL, pathOf(0)],
        output: 'pipe',
      })
      positiveControl('the tool that is handed a keystore ends with', 0, code)
      const seen = JSON.parse(output) as Record<string, unknown>
      positiveControl('it reads the keystore', hash(material.content), seen.content)
      check('it reads the keystore a second time, as some tools do', hash(material.content), seen.again)
      positiveControl('it reads the passphrase', hash(material.passphrase), seen.passphrase)
      check('names that the file has', 0, seen.nlink)
      check('the file is in memory', TMPFS, seen.type)
      check('size of a core dump of the tool', '0', seen.core)
      const folders = [tmpdir(), '/dev/shm', parts.files]
      check('what is found of them in temporary and data folders', [], await look(folders, since, sought))
      const planted = await mkdtemp(join(tmpdir(), 'surety-signing-'))
      try {
        await writeFile(join(planted, 'keystore.p12'), material.content, { mode: 0o600 })
        positiveControl(
          'the same look sees a keystore that was written',
          ['keystore'],
          await look(folders, since, sought),
        )
      } finally {
        await rm(planted, { recursive: true })
      }
    },
  })
}

const hash = (content: string | Buffer): string => createHash('sha256').update(content).digest('hex')

async function look(
  folders: readonly string[],
  since: Date,
  sought: Parameters<typeof findInFiles>[2],
): Promise<string[]> {
  const found = await Promise.all(folders.map((folder) => findInFiles(folder, since, sought)))
  return [...new Set(found.flat())].sort()
}
