import { useRouter } from '@tanstack/react-router'
import { useEffect, useState } from 'react'

/**
 * Leads to another page, once, to where it was first told: what it is told while it leads there comes from the new
 * address already.
 */
export function Go({ to, search = {} }: { to: string; search?: Record<string, string> }) {
  const router = useRouter()
  const [target] = useState({ to, search })
  useEffect(() => {
    void router.navigate({ ...target, replace: true })
  }, [router, target])
  return null
}
