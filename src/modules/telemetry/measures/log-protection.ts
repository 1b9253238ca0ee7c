import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pino from 'pino'
import { type Measure, measure } from '../../../proof/measure.ts'
import { filesIn } from '../files.ts'
import type { MeasureParts } from '../measures.ts'
import { inScratchFolder } from '../scratchLog.ts'
import { type Integrity, verifyLogFile } from '../verifyFile.ts'

/** A user that owns nothing (nobody, on Linux). */
const STRANGER = 65_534
/** Files looked at, newest first: old ones were looked at when they were new. */
const MOST = 50

/** FSTV-16. */
export function logProtection({ parts, log }: MeasureParts): Measure {
  return measure({
    key: 'log.protection',
    sources: ['FSTV-16'],
    family: 'data-access',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.15'] },
    claim: {
      de: () =>
        'Protokolldateien sind für andere Benutzer des Systems nicht lesbar, und jeder Abschnitt ist kryptografisch versiegelt: eine geänderte, verschobene oder entfernte Zeile fällt auf, auch am Ende und wenn die ganze Datei fehlt.',
      en: () =>
        'Log files cannot be read by other users of the system, and each block is sealed cryptographically: a line that was changed, moved or taken out is noticed, also at the end and when the whole file is gone.',
    },
    async prove({ check, positiveControl }) {
      const { folder } = parts.files
      log.info({ canary: true }, 'a look at the log files')
      parts.files.flush()
      const names = filesIn(folder)
        .map(({ name }) => name)
        .sort()
        .slice(-MOST)
      const open = [folder, ...names.map((name) => join(folder, name))].filter(
        (path) => statSync(path).mode & 0o027,
      )
      check('log files and folders that others may read or a group may write', [], open)
      if (process.getuid?.() === 0) await asStranger()
      await parts.heads.keep(parts.files)
      const heads = await parts.heads.known(MOST)
      const spoilt = [...new Set([...names, ...heads.keys()])].flatMap((name) => {
        const head = heads.get(name)
        const integrity = verifyLogFile(join(folder, name), parts.fileOptions.key, { head })
        return integrity === 'altered' || integrity === 'cut' ? [`${name}: ${integrity}`] : []
      })
      positiveControl('the last seal of a file of this process is kept elsewhere', true, heads.size > 0)
      check('log files whose seals do not fit, or that end too early', [], spoilt)
      await tamper()

      async function asStranger(): Promise<void> {
        const reads = (path: string) =>
          spawnSync('cat', [path], { uid: STRANGER, gid: STRANGER, stdio: 'ignore' }).status === 0
        await inScratchFolder((scratch) => {
          const shown = join(scratch, 'shown')
          writeFileSync(shown, '')
          chmodSync(scratch, 0o755)
          positiveControl('another user reads what is open to all', true, reads(shown))
        })
        const read = names.filter((name) => reads(join(folder, name)))
        check('log files that another user could read', [], read)
      }

      async function tamper(): Promise<void> {
        const seen = await tamperedWith(parts)
        const { untouched, ...touched } = seen
        positiveControl('a file as it was written', 'whole', untouched)
        for (const [how, integrity] of Object.entries(touched))
          check(`a file after: ${how}`, how.includes('cut off') ? 'cut' : 'altered', integrity)
      }
    },
  })
}

/** Files like the running process's, and what became of them. */
function tamperedWith({ openFiles, fileOptions }: MeasureParts['parts']): Promise<Record<string, Integrity>> {
  return inScratchFolder((folder) => {
    const files = openFiles(folder, fileOptions)
    for (const n of [1, 2, 3]) {
      files.write(
        `{"line":${n},"of":"one block"}\n{"line":${n},"twice":true}\n`,
        pino.levels.values.info as number,
        undefined,
      )
      files.flush()
    }
    files.close()
    const [[name, head] = ['', undefined]] = files.heads()
    const text = readFileSync(join(folder, name), 'utf8')
    const lines = text.trimEnd().split('\n')
    const after = (changed: string): Integrity => {
      copyFileSync(join(folder, name), join(folder, 'copy'))
      writeFileSync(join(folder, 'copy'), changed)
      return verifyLogFile(join(folder, 'copy'), fileOptions.key, { name, head })
    }
    const joined = (kept: string[]) => `${kept.join('\n')}\n`
    return {
      untouched: after(text),
      'one character changed': after(text.replace('"line":2', '"line":7')),
      'one line taken out': after(joined(lines.toSpliced(3, 1))),
      'a whole block taken out': after(joined(lines.toSpliced(3, 3))),
      'two blocks in the other order': after(
        joined([...lines.slice(3, 6), ...lines.slice(0, 3), ...lines.slice(6)]),
      ),
      'the last block cut off': after(joined(lines.slice(0, -3))),
      'everything cut off': after(''),
      'a line put in': after(joined(lines.toSpliced(1, 0, '{"line":9}'))),
    }
  })
}
