import assert from 'node:assert/strict'

/** A span as a collector reads it. */
export interface Told {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  kind: number
  status: { code: number; message?: string }
  attributes: Record<string, unknown>
  resource: Record<string, unknown>
}

type Pair = { key: string; value: Record<string, unknown> }

const read = (pairs: Pair[]) =>
  Object.fromEntries(pairs.map(({ key, value }) => [key, Object.values(value)[0]]))

/** The spans in a body of OTLP as JSON. */
export function spansIn(text: string): Told[] {
  const { resourceSpans } = JSON.parse(text)
  return resourceSpans.flatMap(({ resource, scopeSpans }: Record<string, any>) =>
    scopeSpans.flatMap(({ spans }: { spans: (Told & { attributes: Pair[] })[] }) =>
      spans.map((span) => ({
        ...span,
        attributes: read(span.attributes),
        resource: read(resource.attributes),
      })),
    ),
  )
}

/** The only one of that name. */
export function named(spans: readonly Told[], name: string): Told {
  const found = spans.filter((span) => span.name === name)
  assert.equal(found.length, 1, `${name} among ${spans.map((span) => span.name).join(', ')}`)
  return found[0] as Told
}
