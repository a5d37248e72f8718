"""What AresGen adds to chat: threads, voices, documents, chatbots, workflows, and webhooks that tell of them."""
