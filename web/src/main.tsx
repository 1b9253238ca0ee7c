import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { queries } from './api/queries.ts'
import { StepUp } from './pages/StepUp.tsx'
import { Told } from './parts/Told.tsx'
import { router } from './router.tsx'
import { Languages } from './words/index.tsx'
import './style/base.css'
import './style/parts.css'
import './style/shell.css'

createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <Languages>
      <QueryClientProvider client={queries}>
        <Told>
          <RouterProvider router={router} />
          <StepUp />
        </Told>
      </QueryClientProvider>
    </Languages>
  </StrictMode>,
)
