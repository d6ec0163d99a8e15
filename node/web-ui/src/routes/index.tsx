import { createFileRoute, redirect } from '@tanstack/react-router';
import { session } from '../api/session';
import { FrontPage } from '../account/FrontPage';

export const Route = createFileRoute('/')({
  validateSearch: (search: Record<string, unknown>): { next?: string } => ({
    // Only paths of this application: nobody is sent elsewhere after signing in.
    next: typeof search.next === 'string' && /^\/(?!\/)/.test(search.next) ? search.next : undefined,
  }),
  beforeLoad: ({ search }) => {
    if (session.token()) throw redirect({ href: search.next ?? '/home', replace: true });
  },
  component: FrontPage,
});
