import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import type { EdgeApi } from '../edge/index.ts'
import type { TenantRecord } from '../tenancy/index.ts'
import type { Manifest } from './manifest.ts'

/** Asks one path of a host; status and body. */
export type Ask = (path: string) => Promise<{ status: number; body: string }>

/**
 * What the tenant's host serves: the hash of its OpenAPI document and, of a canary, of the answers of all its public
 * routes without parameters. Nothing when no serving process answers.
 */
export async function listenTo(
  edge: EdgeApi,
  tenant: TenantRecord,
): Promise<Pick<Manifest, 'openapi' | 'answers'>> {
  const host = tenant.hosts[0] as string
  const ask: Ask = (path) => edge.request({ host, path })
  try {
    const surface = await readSurface(ask)
    return {
      openapi: surface.sha256,
      answers: tenant.canary
        ? await sampleAnswers(ask, surface.samples, [tenant.slug, tenant.name, host])
        : [],
    }
  } catch {
    return { openapi: null, answers: [] }
  }
}

/** The API surface: the hash of the canonical OpenAPI document (RFC 8785) and the routes that anybody may GET. */
export async function readSurface(ask: Ask): Promise<{ sha256: string; samples: string[] }> {
  const { status, body } = await ask('/api/v1/openapi.json')
  if (status !== 200) throw new Error(`The OpenAPI document answers ${status}.`)
  const document = JSON.parse(body) as {
    info: object
    paths: Record<string, Record<string, { security?: unknown[]; parameters?: { required?: boolean }[] }>>
  }
  const samples = Object.entries(document.paths)
    .filter(([path, { get }]) => get && !path.includes('{') && !get.security?.length)
    .filter(([, { get }]) => !get?.parameters?.some(({ required }) => required))
    .map(([path]) => path)
    .sort()
  // The version names the build; what it offers may be the same in the next.
  const surface = { ...document, info: { ...document.info, version: '' } }
  return { sha256: sha256(canonicalize(surface) as string), samples }
}

/** The answers of `paths`; `masks` are replaced first: the words by which a copy may differ, such as its host. */
export async function sampleAnswers(
  ask: Ask,
  paths: readonly string[],
  masks: readonly string[],
): Promise<Manifest['answers']> {
  const answers: Manifest['answers'] = []
  for (const path of paths) {
    const { status, body } = await ask(path)
    const masked = masks
      .toSorted((a, b) => b.length - a.length)
      .reduce((text, mask) => text.replaceAll(mask, '…'), body)
    answers.push({ path, status, sha256: sha256(masked) })
  }
  return answers
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
