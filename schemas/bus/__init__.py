"""The only Python besides Faust that sends to Kafka: abstract, memory, kafka."""
