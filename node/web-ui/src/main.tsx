import '@fontsource-variable/noto-sans/wght.css';
import '@mantine/core/styles.layer.css';
import '@mantine/notifications/styles.layer.css';
import '@mantine/spotlight/styles.layer.css';
import './ui/app.css';

import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClientProvider } from '@tanstack/react-query';
import { createRouter, RouterProvider } from '@tanstack/react-router';
import { setNonce } from 'get-nonce';
import { StrictMode, Suspense } from 'react';
import { createRoot } from 'react-dom/client';
import { createQueryClient } from './api/queries';
import { session } from './api/session';
import { initI18n } from './i18n';
import { Live } from './live/live';
import { LiveContext } from './live/LiveState';
import { routeTree } from './routeTree.gen';
import { endTasks } from './ui/tasks';
import { cssVariablesResolver, theme } from './ui/theme';

const nonce = document.querySelector<HTMLMetaElement>('meta[name=csp-nonce]')?.content ?? '';
setNonce(nonce);

const cache = createQueryClient();
const live = new Live(cache);
const router = createRouter({
  routeTree,
  context: { cache },
  defaultPreload: 'intent',
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}

// Signed out here, in another tab or by the server: back to the front page, and to this page afterwards.
session.subscribe(() => {
  if (session.token()) return;
  live.stop();
  cache.clear();
  endTasks();
  void router.invalidate();
});

void initI18n().then(() => {
  createRoot(document.getElementById('root')!).render(
    <StrictMode>
      <MantineProvider
        theme={theme}
        cssVariablesResolver={cssVariablesResolver}
        defaultColorScheme="auto"
        getStyleNonce={() => nonce}
      >
        <Notifications position="bottom-right" transitionDuration={120} />
        <QueryClientProvider client={cache}>
          <LiveContext value={live}>
            <Suspense>
              <RouterProvider router={router} />
            </Suspense>
          </LiveContext>
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>,
  );
});
