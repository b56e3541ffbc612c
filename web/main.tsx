/** Starts the page. */
import { QueryClientProvider } from '@tanstack/react-query'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { EventStream } from './platform/event-stream.ts'
import { LiveProvider } from './platform/live.tsx'
import { createQueryClient } from './platform/query-client.ts'
import { ToastProvider } from './ui/toast.tsx'
import './ui/tokens.css'

const queries = createQueryClient()
const stream = new EventStream()

createRoot(document.getElementById('root')!).render(
  <QueryClientProvider client={queries}>
    <LiveProvider stream={stream}>
      <ToastProvider>
        <App />
      </ToastProvider>
    </LiveProvider>
  </QueryClientProvider>,
)
