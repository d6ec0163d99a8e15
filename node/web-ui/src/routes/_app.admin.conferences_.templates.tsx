import { createFileRoute } from '@tanstack/react-router';
import { AllTemplatesPage } from '../conferences/TemplatesPage';
import { flag, oneOf, optional, text } from '../ui/searchParams';

export const Route = createFileRoute('/_app/admin/conferences_/templates')({
  validateSearch: (search: Record<string, unknown>) =>
    optional({
      search: text(search.search),
      /** The own ones, or those for all; without it: those of everybody. */
      part: oneOf(search.part, ['own', 'for_all']),
      /** The template whose sheet is open. */
      template: text(search.template),
      create: flag(search.create),
    }),
  component: AllTemplatesPage,
});
