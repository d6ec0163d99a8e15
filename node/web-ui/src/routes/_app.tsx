import { createFileRoute, redirect } from '@tanstack/react-router';
import { session } from '../api/session';
import { Shell } from '../ui/Shell';

/** Everything that needs somebody to be signed in. */
export const Route = createFileRoute('/_app')({
  beforeLoad: ({ location }) => {
    if (!session.token()) throw redirect({ to: '/', search: { next: location.href }, replace: true });
  },
  component: Shell,
});
