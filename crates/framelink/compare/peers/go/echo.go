// Echoes net:4 frames with bufio: a goroutine for each connection, which flushes when nothing more has been read.
package main

import (
	"bufio"
	"encoding/binary"
	"io"
	"log"
	"net"
	"os"
	"strconv"
)

func main() {
	size, err := strconv.Atoi(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go func() {
			defer connection.Close()
			if err := echo(connection, size); err != nil && err != io.EOF {
				log.Print(err)
			}
		}()
	}
}

// Go sets TCP_NODELAY by itself.
func echo(connection net.Conn, size int) error {
	reader := bufio.NewReaderSize(connection, size)
	writer := bufio.NewWriterSize(connection, size)
	var header [4]byte
	var payload []byte
	for {
		if _, err := io.ReadFull(reader, header[:]); err != nil {
			return err
		}
		length := int(binary.BigEndian.Uint32(header[:]))
		if cap(payload) < length {
			payload = make([]byte, length)
		}
		payload = payload[:length]
		if _, err := io.ReadFull(reader, payload); err != nil {
			return err
		}
		if _, err := writer.Write(header[:]); err != nil {
			return err
		}
		if _, err := writer.Write(payload); err != nil {
			return err
		}
		if reader.Buffered() == 0 {
			if err := writer.Flush(); err != nil {
				return err
			}
		}
	}
}
