import { createFileRoute } from '@tanstack/react-router';
import { RightsPage } from '../account/RightsPage';

export const Route = createFileRoute('/_app/rights')({ component: RightsPage });
