import { z } from 'zod'
import { defineProblem, Problem } from '../../kernel/problems.ts'
import { openCheckpoint } from './checkpoint.ts'
import { leafHash, verifyInclusion } from './merkle.ts'

/** One thing the verifier looked at. */
export interface Step {
  ok: boolean
  what: string
}

const bundleSchema = z.strictObject({
  format: z.literal('surety-proof/1'),
  index: z.int().min(0),
  entry: z.base64(),
  inclusion: z.array(z.base64()).max(64),
  checkpoint: z.string(),
  logKey: z.string(),
})

const notABundle = defineProblem({ code: 'bundle-malformed', status: 400, title: 'Not a proof bundle' })

/**
 * Verifies a downloaded proof bundle without any server: the checkpoint's signature, and that the record is in the tree
 * it signs. `trustedKey`: the log's key from another source; without it the bundle's own key is taken and the answer says
 * so. Throws a Problem `bundle-malformed` when the text is no bundle.
 */
export function verifyBundle(
  text: string,
  trustedKey?: string,
): { ok: boolean; steps: Step[]; record: unknown } {
  const bundle = parseBundle(text)
  const entry = Buffer.from(bundle.entry, 'base64')
  const key: Step = trustedKey
    ? { ok: bundle.logKey.trim() === trustedKey.trim(), what: 'the bundle names the log key that you trust' }
    : {
        ok: true,
        what: "no key was given: the bundle's own key is trusted, compare it with the trust center's",
      }
  const checkpoint = tryOpen(bundle.checkpoint, trustedKey ?? bundle.logKey)
  if (checkpoint instanceof Problem) {
    return {
      ok: false,
      steps: [key, { ok: false, what: `the checkpoint is signed: ${checkpoint.message}` }],
      record: null,
    }
  }
  const included = verifyInclusion(
    { index: bundle.index, size: checkpoint.size, leaf: leafHash(entry), root: checkpoint.root },
    bundle.inclusion.map((hash) => Buffer.from(hash, 'base64')),
  )
  const steps = [
    key,
    {
      ok: true,
      what: `the checkpoint of ${checkpoint.origin} at size ${checkpoint.size} is signed by the log key`,
    },
    { ok: included, what: `record ${bundle.index} is in the tree that the checkpoint signs` },
  ]
  return { ok: steps.every(({ ok }) => ok), steps, record: included ? JSON.parse(entry.toString()) : null }
}

function parseBundle(text: string): z.output<typeof bundleSchema> {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw notABundle('The file is not JSON.', { cause })
  }
  const parsed = bundleSchema.safeParse(json)
  if (!parsed.success)
    throw notABundle(parsed.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`).join('; '))
  return parsed.data
}

function tryOpen(note: string, key: string): ReturnType<typeof openCheckpoint> | Problem {
  try {
    return openCheckpoint(note, key)
  } catch (error) {
    if (error instanceof Problem) return error
    throw error
  }
}
