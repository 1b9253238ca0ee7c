import { QueryClient, queryOptions, useMutation, useQueryClient } from '@tanstack/react-query'
import { call, Refused } from './call.ts'
import type { Me, Routes } from './routes.ts'
import { forgetSession, mayBeSignedIn } from './session.ts'

type Plain = { [R in keyof Routes]: keyof Omit<Routes[R], 'answer'> extends never ? R : never }[keyof Routes]
type Readable = Extract<Plain, `GET ${string}`>

/** Tried again only when no answer came: a refusal stays one. */
export const queries = new QueryClient({
  defaultOptions: {
    // Without a connection the page says so and does not wait in silence.
    mutations: { networkMode: 'always' },
    queries: {
      networkMode: 'always',
      staleTime: 10_000,
      retry: (count, error) =>
        count < 2 && error instanceof Refused && (error.status === 0 || error.status === 503),
    },
  },
})

/** The answer of a route that takes nothing, kept under its name. */
export const reading = <Route extends Readable>(route: Route) =>
  queryOptions({
    queryKey: [route],
    queryFn: () => call<Route>(route, ...([] as never)) as Promise<Routes[Route]['answer']>,
  })

/** Who is signed in; null for nobody. */
export const whoAmI = queryOptions({
  queryKey: ['me'],
  staleTime: 60_000,
  queryFn: async (): Promise<Me | null> => {
    if (!mayBeSignedIn()) return null
    try {
      return await call('GET /api/v1/auth/me')
    } catch (error) {
      if (!(error instanceof Refused && error.status === 401)) throw error
      forgetSession()
      return null
    }
  },
})

/** Nobody is signed in any more, and nothing of theirs stays on the screen. */
export function showSignedOut(client: QueryClient): void {
  forgetSession()
  client.setQueryData(whoAmI.queryKey, null)
  client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== whoAmI.queryKey[0] })
}

/** A change; what may look different afterwards is read again. */
export function useChange<Input, Answer>(
  work: (input: Input) => Promise<Answer>,
  ...then: (Readable | 'me')[]
) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: work,
    onSuccess: () => Promise.all(then.map((name) => client.invalidateQueries({ queryKey: [name] }))),
  })
}
