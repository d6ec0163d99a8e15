import { createFileRoute } from '@tanstack/react-router';
import { PartnersPage } from '../admin/PartnersPage';
import { flag, optional, text } from '../ui/searchParams';

export const Route = createFileRoute('/_app/admin/partners')({
  validateSearch: (search: Record<string, unknown>) =>
    optional({
      /** The server whose sheet is open. */
      partner: text(search.partner),
      create: flag(search.create),
    }),
  component: PartnersPage,
});
