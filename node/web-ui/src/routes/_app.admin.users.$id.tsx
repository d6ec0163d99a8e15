import { createFileRoute } from '@tanstack/react-router';
import { UserSheet } from '../admin/UserSheet';

export const Route = createFileRoute('/_app/admin/users/$id')({ component: UserSheet });
