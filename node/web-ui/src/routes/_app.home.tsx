import { createFileRoute } from '@tanstack/react-router';
import { HomePage } from '../account/HomePage';
import { flag, optional, text } from '../ui/searchParams';

export const Route = createFileRoute('/_app/home')({
  validateSearch: (search: Record<string, unknown>) =>
    optional({
      /** The own conference whose sheet is open. */
      conference: text(search.conference),
      create: flag(search.create),
    }),
  component: HomePage,
});
