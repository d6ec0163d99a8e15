import { createFileRoute } from '@tanstack/react-router';
import { UsersPage } from '../admin/UsersPage';
import { presences } from '../api/types';
import { flag, oneOf, optional, text } from '../ui/searchParams';

export const Route = createFileRoute('/_app/admin/users')({
  validateSearch: (search: Record<string, unknown>) =>
    optional({
      search: text(search.search),
      sort: text(search.sort),
      group: text(search.group),
      active: flag(search.active),
      presence: oneOf(search.presence, presences),
      admin: oneOf(search.admin, ['none', 'security', 'full']),
      create: flag(search.create),
    }),
  component: UsersPage,
});
