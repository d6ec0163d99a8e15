import { createFileRoute } from '@tanstack/react-router';
import { NodesPage } from '../admin/NodesPage';
import { flag, optional, text } from '../ui/searchParams';

export const Route = createFileRoute('/_app/admin/nodes')({
  validateSearch: (search: Record<string, unknown>) =>
    optional({
      node: text(search.node),
      invite: flag(search.invite),
    }),
  component: NodesPage,
});
