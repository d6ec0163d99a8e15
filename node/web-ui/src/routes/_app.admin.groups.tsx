import { createFileRoute } from '@tanstack/react-router';
import { GroupsPage } from '../admin/GroupsPage';
import { flag, optional, text } from '../ui/searchParams';

export const Route = createFileRoute('/_app/admin/groups')({
  validateSearch: (search: Record<string, unknown>) =>
    optional({
      search: text(search.search),
      sort: text(search.sort),
      create: flag(search.create),
    }),
  component: GroupsPage,
});
