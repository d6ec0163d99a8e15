import type { AnyRouter } from '@tanstack/react-router';
import i18n from '../i18n';

/** The search, which is not there before somebody searches. */
export const loadPalette = () => import('./Palette');

/**
 * Loads what pages are made of while there is nothing else to do: a page outlives the node that it came from
 * only if nothing of it has to be asked for there any more. `done` is called when all of it is here.
 */
export function warm(router: AnyRouter, admin: boolean, done: () => void): () => void {
  let wanted = true;
  const load = async () => {
    if (admin) await i18n.loadNamespaces('admin');
    await i18n.loadNamespaces('meeting');
    await loadPalette();
    for (const route of Object.values(router.routesById)) {
      if (!wanted) return;
      if (admin || !route.id.startsWith('/_app/admin')) await router.loadRouteChunk(route);
    }
  };
  const timer = setTimeout(
    () =>
      void load().then(
        () => wanted && done(),
        () => undefined,
      ),
    300,
  );
  return () => {
    wanted = false;
    clearTimeout(timer);
  };
}
