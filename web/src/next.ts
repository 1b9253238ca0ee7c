import { useRouterState } from '@tanstack/react-router'

/** Where a visitor was going before they had to sign in; always a page of ours. */
export function useNext(): string {
  const search = useRouterState({ select: ({ location }) => location.search as Record<string, unknown> })
  const { next } = search
  return typeof next === 'string' && /^\/[\w/-]*$/.test(next) ? next : '/'
}
