import { createFileRoute } from '@tanstack/react-router';
import { MeetingsPage } from '../account/MeetingsPage';
import { stages } from '../api/types';
import { flag, oneOf, optional, text } from '../ui/searchParams';

export const Route = createFileRoute('/_app/meetings')({
  validateSearch: (search: Record<string, unknown>) =>
    optional({
      search: text(search.search),
      stage: oneOf(search.stage, stages),
      /** The own ones, or those that name one; without it: all. */
      part: oneOf(search.part, ['owner', 'named']),
      /** The conference whose sheet is open. */
      conference: text(search.conference),
      create: flag(search.create),
      /** What a new one is set up like. */
      template: text(search.template),
      /** Who is invited to a new one. */
      invite: text(search.invite),
    }),
  component: MeetingsPage,
});
