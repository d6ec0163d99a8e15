export const reactions = ['👍', '❤️', '😂', '😮', '👏', '🎉'];
