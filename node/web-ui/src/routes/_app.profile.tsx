import { createFileRoute } from '@tanstack/react-router';
import { ProfilePage } from '../account/ProfilePage';

export const Route = createFileRoute('/_app/profile')({ component: ProfilePage });
