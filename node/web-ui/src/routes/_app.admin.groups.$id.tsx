import { createFileRoute } from '@tanstack/react-router';
import { GroupSheet } from '../admin/GroupSheet';

export const Route = createFileRoute('/_app/admin/groups/$id')({ component: GroupSheet });
