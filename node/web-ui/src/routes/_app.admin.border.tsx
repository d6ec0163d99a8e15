import { createFileRoute } from '@tanstack/react-router';
import { BorderPage } from '../admin/BorderPage';
import { flag, optional, text } from '../ui/searchParams';

export const Route = createFileRoute('/_app/admin/border')({
  validateSearch: (search: Record<string, unknown>) =>
    optional({
      controller: text(search.controller),
      invite: flag(search.invite),
    }),
  component: BorderPage,
});
